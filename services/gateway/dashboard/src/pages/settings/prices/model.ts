import type { PriceSubmission } from "~/api/queries/prices";
import type { ProviderType } from "~/api/queries/providers";

/** Read the form of a price; dollars stay as they were written, so that none is rounded. */
export function priceOf(form: FormData, now: Date): PriceSubmission {
  const cached_input = text(form, "cached_input");
  return {
    provider_type: text(form, "provider_type") as ProviderType,
    model: text(form, "model"),
    effective_from: now.toISOString(),
    usd_per_million_tokens: {
      input: text(form, "input"),
      output: text(form, "output"),
      ...(cached_input && { cached_input }),
    },
  };
}

function text(form: FormData, name: string): string {
  return String(form.get(name) ?? "").trim();
}
