import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import type { ProviderType } from "~/api/queries/providers";
import { PlaceFields } from "./PlaceFields";

test.each<[ProviderType, string[]]>([
  ["openai", ["base_url"]],
  ["anthropic", ["base_url"]],
  ["bedrock", ["aws_region", "base_url"]],
])("a provider of %s is asked where %j say", (type, names) => {
  const shown = renderToString(createElement(PlaceFields, { type, errors: {} }));

  expect([...shown.matchAll(/ name="(\w+)"/g)].map(([, name]) => name)).toEqual(names);
});
