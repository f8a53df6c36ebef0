from http import HTTPStatus

from aiohttp import ClientSession


async def test_the_table_of_errors_tells_what_each_means(client: ClientSession) -> None:
    async with client.get("/api/errors") as response:
        body = await response.json()

    assert response.status == HTTPStatus.OK
    assert body["next_cursor"] is None
    throttled = next(
        each
        for each in body["data"]
        if each["provider_errors"] == ["ThrottlingException"]
    )
    assert throttled["source"] == "bedrock"
    assert throttled["http_statuses"] == [429]
    assert throttled["code"] == "RATE_LIMITED"
    assert throttled["retryable"] is True
    sources = {each["source"] for each in body["data"]}
    assert sources == {"openai", "anthropic", "bedrock", "sts", "kms", "ag2trust"}
    assert all(each["cause"] and each["fix"] for each in body["data"])
