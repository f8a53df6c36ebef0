const NAMES = 6;

/** The buckets that an axis has room to name, each with its place as a share of the width. */
export function namedBuckets(buckets: string[]): { name: string; share: number }[] {
  const step = Math.max(1, Math.ceil(buckets.length / NAMES));
  return buckets
    .map((name, at) => ({ name, share: (at + 0.5) / buckets.length }))
    .filter((_, at) => at % step === Math.floor(step / 2));
}
