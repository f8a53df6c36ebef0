import { PageHeader } from "~/components/PageHeader";
import { DeadLetters } from "./DeadLetters";
import { Runners } from "./Runners";

/** Is the platform itself well? */
export function System() {
  return (
    <>
      <PageHeader title="System" />
      <Runners />
      <DeadLetters />
    </>
  );
}
