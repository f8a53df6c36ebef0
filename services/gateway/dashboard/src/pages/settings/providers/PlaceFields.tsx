import type { Provider, ProviderType } from "~/api/queries/providers";
import { TextField } from "~/components/inputs";
import { TYPE_NAMES } from "./model";

interface PlaceFieldsProps {
  type: ProviderType;
  errors: Record<string, string>;
  /** Where one that is there already is asked. */
  place?: Pick<Provider, "aws_region" | "base_url">;
}

/** Where a provider is asked: at its usual address, unless another is named. */
export function PlaceFields({ type, errors, place }: PlaceFieldsProps) {
  return (
    <>
      {type === "bedrock" && (
        <TextField
          label="Region"
          name="aws_region"
          placeholder="eu-central-1"
          defaultValue={place?.aws_region ?? undefined}
          error={errors.aws_region}
        />
      )}
      <TextField
        label="Base URL"
        name="base_url"
        isOptional
        placeholder={PLACES[type]}
        defaultValue={place?.base_url ?? undefined}
        help={`Only for what stands in for ${TYPE_NAMES[type]}: ${STAND_INS[type]}.`}
        error={errors.base_url}
      />
    </>
  );
}

const PLACES: Record<ProviderType, string> = {
  openai: "https://api.openai.com/v1",
  anthropic: "https://api.anthropic.com",
  bedrock: "https://bedrock-runtime.eu-central-1.amazonaws.com",
};

const SERVERS = "a gateway, a region, a server of yours";
const STAND_INS: Record<ProviderType, string> = {
  openai: SERVERS,
  anthropic: SERVERS,
  bedrock: "a VPC endpoint, a gateway",
};
