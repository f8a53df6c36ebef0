import type { ChangeEventHandler } from "react";
import type { Role } from "~/api/queries/administration";
import { Select } from "~/components/inputs";

interface RoleSelectProps {
  value?: Role;
  onChange?: ChangeEventHandler<HTMLSelectElement>;
  error?: string | undefined;
}

/** The four roles, each with what it may. */
export function RoleSelect({ error, ...chosen }: RoleSelectProps) {
  const initial = chosen.value ? chosen : { defaultValue: "viewer" };
  return (
    <Select label="Role" name="role" {...initial} error={error}>
      <option value="viewer">Viewer: reads</option>
      <option value="operator">Operator: runs agents</option>
      <option value="admin">Admin: manages providers and people</option>
      <option value="owner">Owner: everything</option>
    </Select>
  );
}
