import { describe, expect, test } from "vitest";
import { snippetsFor } from "./snippets";

const baseUrls = {
  openai: "http://gateway/openai/v1",
  anthropic: "http://gateway/anthropic",
  bedrock: "http://gateway/bedrock",
};

describe.each(["openai", "anthropic", "bedrock"] as const)("snippets for %s", (providerType) => {
  const snippets = snippetsFor({ baseUrls, token: "ag_1", model: "some-model", providerType });

  test("set the token and the address in the shell", () => {
    expect(snippets[0]?.text).toContain(baseUrls[providerType]);
    expect(snippets[0]?.text).toContain("ag_1");
  });
  test("name the model in every program", () => {
    for (const { text } of snippets.slice(1)) expect(text).toContain("some-model");
  });
});

test("curl sends JSON that a shell passes on whole", () => {
  const [, curl] = snippetsFor({ baseUrls, token: "t", model: "m", providerType: "openai" });
  const body = /--data '(.*)'$/.exec(curl?.text ?? "")?.[1] ?? "";

  expect(JSON.parse(body)).toEqual({ model: "m", messages: [{ role: "user", content: "Hello!" }] });
});
