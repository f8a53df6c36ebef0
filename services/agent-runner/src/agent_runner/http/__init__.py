"""HTTP/1.1 for the one path that every model call crosses.

It knows messages and connections, and nothing of agents, providers or calls.
`server` takes requests in, `client` sends them out; start with `exchange` and `answer`,
which are what an application sees of the two.
"""
