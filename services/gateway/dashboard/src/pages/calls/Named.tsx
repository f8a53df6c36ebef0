import { FilterSelect } from "~/components/Toolbar";

interface NamedProps {
  label: string;
  all: string;
  value: string | undefined;
  onChange: (id: string) => void;
  choices: { pages: { data: { id: string; name: string }[] }[] } | undefined;
}

/** A filter by one of the things that have names. */
export function Named({ label, all, value, onChange, choices }: NamedProps) {
  const named = choices?.pages.flatMap((page) => page.data) ?? [];
  const isGone = value !== undefined && !named.some(({ id }) => id === value);
  return (
    <FilterSelect label={label} value={value ?? ""} onChange={onChange}>
      <option value="">{all}</option>
      {isGone && <option value={value}>{value}</option>}
      {named.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </FilterSelect>
  );
}
