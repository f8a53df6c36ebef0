import { Shell } from "./Shell";

/** What surrounds every page. */
export function Root() {
  return <Shell account={null} />;
}
