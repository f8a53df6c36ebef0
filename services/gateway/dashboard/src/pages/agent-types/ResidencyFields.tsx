import type { AgentType } from "~/api/queries/agentTypes";
import { CheckGroup } from "~/components/CheckGroup";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { TYPE_NAMES } from "~/pages/settings/providers/model";

interface ResidencyFieldsProps {
  residency: AgentType["residency"];
  errors: Record<string, string>;
}

const TYPES = Object.entries(TYPE_NAMES).map(([value, name]) => ({ value, name }));

/** Where data may go: nothing named is anywhere. No fallback leads elsewhere. */
export function ResidencyFields({ residency, errors }: ResidencyFieldsProps) {
  return (
    <Form.Fields>
      <CheckGroup
        label="Provider types that may see it"
        name="residency_provider_types"
        choices={TYPES}
        chosen={residency?.provider_types ?? []}
        help="None chosen: all of them."
        error={errors["residency.provider_types"] ?? errors.residency}
      />
      <TextField
        label="Regions it may go to"
        name="residency_regions"
        isOptional
        spellCheck={false}
        placeholder="eu, eu-central-1"
        defaultValue={residency?.regions?.join(", ")}
        help="AWS regions, geographies such as eu, or host names of base URLs. Empty: anywhere."
        error={errors["residency.regions"]}
      />
    </Form.Fields>
  );
}
