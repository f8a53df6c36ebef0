import { useState } from "react";
import type { ProviderType } from "~/api/queries/providers";
import { SecretField, Select, TextField } from "~/components/inputs";
import type { BedrockAccess } from "./model";

interface CredentialFieldsProps {
  type: ProviderType;
  errors: Record<string, string>;
  /** How a Bedrock provider that is there already says who asks. */
  access?: BedrockAccess;
}

/** The secret of a provider, in the form that its type takes. Never filled in from what
 *  is stored: a key that is there is told by its hint, outside of any field. */
export function CredentialFields({ type, errors, access }: CredentialFieldsProps) {
  if (type === "bedrock") return <BedrockFields errors={errors} access={access ?? "key_pair"} />;
  return (
    <SecretField
      label="API key"
      name="api_key"
      placeholder={type === "openai" ? "sk-…" : "sk-ant-…"}
      help="Encrypted before it is stored; nobody can read it back."
      error={errors.api_key}
    />
  );
}

function BedrockFields({
  errors,
  access,
}: {
  errors: Record<string, string>;
  access: BedrockAccess;
}) {
  const [chosen, setChosen] = useState(access);
  return (
    <>
      <Select
        label="Access"
        name="access"
        value={chosen}
        onChange={(event) => setChosen(event.target.value as BedrockAccess)}
        help={ACCESS_HELP[chosen]}
      >
        <option value="key_pair">Access key pair</option>
        <option value="role">IAM role, assumed and refreshed for you</option>
        <option value="bearer">Bedrock API key</option>
      </Select>
      {chosen === "bearer" && (
        <SecretField label="Bedrock API key" name="api_key" error={errors.api_key} />
      )}
      {chosen === "role" && (
        <TextField
          label="Role ARN"
          name="aws_role_arn"
          placeholder="arn:aws:iam::123456789012:role/bedrock"
          error={errors.aws_role_arn}
        />
      )}
      {chosen !== "bearer" && <KeyPair errors={errors} isOptional={chosen === "role"} />}
    </>
  );
}

const ACCESS_HELP: Record<BedrockAccess, string> = {
  key_pair: "An IAM user's keys, or temporary ones (ASIA…) with their session token.",
  role: "The key pair below assumes it; without one, the service's own identity does, if allowed.",
  bearer: "Sent as a bearer token; agents get it only by sealed delivery.",
};

function KeyPair({ errors, isOptional }: { errors: Record<string, string>; isOptional: boolean }) {
  return (
    <>
      <TextField
        label="Access key id"
        name="aws_access_key_id"
        placeholder="AKIA… or ASIA…"
        spellCheck={false}
        isOptional={isOptional}
        error={errors.aws_access_key_id}
      />
      <SecretField
        label="Secret access key"
        name="aws_secret_access_key"
        isOptional={isOptional}
        error={errors.aws_secret_access_key}
      />
      <SecretField
        label="Session token"
        name="aws_session_token"
        isOptional
        help="Needed with temporary keys (ASIA…)."
        error={errors.aws_session_token}
      />
      <TextField
        label="Session ends"
        name="aws_session_expires_at"
        type="datetime-local"
        isOptional
        help="You are warned 60, 15 and 5 minutes before."
        error={errors.aws_session_expires_at}
      />
    </>
  );
}
