import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import type { Provider } from "~/api/queries/providers";
import { Fallbacks } from "./Fallbacks";

test("a fallback whose provider is gone stays what it is until somebody chooses another", () => {
  const providers = [{ id: "other", name: "Other" } as Provider];
  const given = [{ provider_id: "gone", model: "gpt-4o" }];

  const shown = renderToString(createElement(Fallbacks, { given, providers, error: undefined }));

  expect(shown).toContain('<option value="gone" selected="">');
});
