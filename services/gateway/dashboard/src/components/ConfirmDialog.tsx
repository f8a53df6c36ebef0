import { type FormEvent, type ReactNode, useState } from "react";
import { Button } from "./Button";
import styles from "./ConfirmDialog.module.css";
import { Dialog } from "./Dialog";
import { TextField } from "./inputs";

interface ConfirmProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** The act in words, as on the button: "Delete provider". */
  act: string;
  busyAct: string;
  isBusy: boolean;
  onConfirm: () => void;
  /** What must be typed before an act that many would feel: the name of what it concerns. */
  toType?: { label: string; name: string };
  /** What will follow, with names and counts; and the failure, if the act failed. */
  children: ReactNode;
}

/** Asks before what cannot be undone, naming what it takes with it. */
export function ConfirmDialog({ toType, ...props }: ConfirmProps) {
  const [isMistyped, setIsMistyped] = useState(false);

  function confirm(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = String(new FormData(event.currentTarget).get("typed") ?? "").trim();
    const isMeant = toType === undefined || typed === toType.name;
    setIsMistyped(!isMeant);
    if (isMeant) props.onConfirm();
  }

  return (
    <Dialog title={props.title} isOpen={props.isOpen} onClose={props.onClose}>
      <form noValidate className={styles.form} onSubmit={confirm}>
        {props.children}
        {toType && (
          <TextField
            label={toType.label}
            name="typed"
            help={`Type ${toType.name}.`}
            error={isMistyped ? `This is not ${toType.name}.` : undefined}
          />
        )}
        <div className={styles.buttons}>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" kind="danger" isBusy={props.isBusy} busyLabel={props.busyAct}>
            {props.act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
