import { Select } from "~/components/inputs";

/** The four roles, each with what it may. */
export function RoleSelect({ error }: { error?: string | undefined }) {
  return (
    <Select label="Role" name="role" defaultValue="viewer" error={error}>
      <option value="viewer">Viewer: reads</option>
      <option value="operator">Operator: runs agents</option>
      <option value="admin">Admin: manages providers and people</option>
      <option value="owner">Owner: everything</option>
    </Select>
  );
}
