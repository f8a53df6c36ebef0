import { FilterSelect } from "~/components/Toolbar";
import { PERIODS } from "~/pages/usage/filter";

interface PeriodFilterProps {
  value: string | undefined;
  /** What is listed where no period is chosen; the API has it so. */
  unchosen?: string;
  onChange: (period: string) => void;
}

/** How far back calls are listed. */
export function PeriodFilter({
  value,
  unchosen = `Last ${PERIODS["24h"]}`,
  onChange,
}: PeriodFilterProps) {
  return (
    <FilterSelect label="Period" value={value ?? ""} onChange={onChange}>
      <option value="">{unchosen}</option>
      {Object.entries(PERIODS)
        .slice(1)
        .map(([period, name]) => (
          <option key={period} value={period}>
            Last {name}
          </option>
        ))}
    </FilterSelect>
  );
}
