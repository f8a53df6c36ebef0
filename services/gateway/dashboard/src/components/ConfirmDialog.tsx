import type { ReactNode } from "react";
import { Button } from "./Button";
import styles from "./ConfirmDialog.module.css";
import { Dialog } from "./Dialog";

interface ConfirmProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** The act in words, as on the button: "Delete provider". */
  act: string;
  busyAct: string;
  isBusy: boolean;
  onConfirm: () => void;
  /** What will follow, with names and counts; and the failure, if the act failed. */
  children: ReactNode;
}

/** Asks before what cannot be undone, naming what it takes with it. */
export function ConfirmDialog(props: ConfirmProps) {
  return (
    <Dialog title={props.title} isOpen={props.isOpen} onClose={props.onClose}>
      {props.children}
      <div className={styles.buttons}>
        <Button onClick={props.onClose}>Cancel</Button>
        <Button
          kind="danger"
          isBusy={props.isBusy}
          busyLabel={props.busyAct}
          onClick={props.onConfirm}
        >
          {props.act}
        </Button>
      </div>
    </Dialog>
  );
}
