"""The runner, part by part: what each is made of, in the order in which it is."""
