import { isConflict } from "~/api/errors";
import { Button } from "./Button";
import { FailureNotice } from "./FailureNotice";
import { Notice } from "./Notice";

interface SaveFailureProps {
  failure: unknown;
  /** What the form changes, in words: "provider". */
  what: string;
  /** Begins the form anew with what is there now. */
  onReload: () => void;
  isReloading: boolean;
}

/** Why a change was not saved; if somebody else was first, with the way to what they saved. */
export function SaveFailure({ failure, what, onReload, isReloading }: SaveFailureProps) {
  if (!isConflict(failure)) return <FailureNotice failure={failure} />;
  return (
    <Notice
      tone="warning"
      title={`Somebody changed this ${what} meanwhile`}
      action={
        <Button isBusy={isReloading} busyLabel="Loading…" onClick={onReload}>
          Show what is there now
        </Button>
      }
    >
      <p>Nothing of yours was saved, so that nothing of theirs is lost. Change it from there.</p>
    </Notice>
  );
}
