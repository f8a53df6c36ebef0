import { PageHeader } from "~/components/PageHeader";
import { DeadLetters } from "./DeadLetters";
import { Jobs } from "./Jobs";
import { Runners } from "./Runners";

/** Is the platform itself well? */
export function System() {
  return (
    <>
      <PageHeader title="System" />
      <Runners />
      <Jobs />
      <DeadLetters />
    </>
  );
}
