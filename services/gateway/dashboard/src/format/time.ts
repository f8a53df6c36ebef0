const relativeForm = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** The zone that every figure, table and chart is told in. */
export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `4 min. ago`, `in 2 hr.`; below a minute `just now`. */
export function relative(moment: string | number | Date, now: number): string {
  const away = new Date(moment).getTime() - now;
  for (const [unit, length] of STEPS)
    if (Math.abs(away) >= length) return relativeForm.format(Math.trunc(away / length), unit);
  return away > 0 ? "in a moment" : "just now";
}

/** `22 Nov 2026, 14:05:09 CET`. */
export function absolute(moment: string | number | Date, zone = localZone()): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  }).format(new Date(moment));
}

/** `14:05:09`. */
export function clock(moment: string | number | Date, zone = localZone()): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(new Date(moment));
}

/** The name of a bucket on an axis: `14:00` by hour, `22 Nov` by day. */
export function bucket(moment: string, by: "hour" | "day", zone = localZone()): string {
  const options: Intl.DateTimeFormatOptions =
    by === "hour" ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" };
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }).format(new Date(moment));
}

/** `22 Nov`. */
export function day(moment: string | number | Date, zone = localZone()): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    day: "2-digit",
    month: "short",
  }).format(new Date(moment));
}
