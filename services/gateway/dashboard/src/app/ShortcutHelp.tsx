import { Keyboard } from "lucide-react";
import { useState } from "react";
import { Dialog } from "~/components/Dialog";
import { Switch } from "~/components/inputs";
import { PLACES } from "./navigation";
import styles from "./ShortcutHelp.module.css";
import { areOn, GO, switchShortcuts } from "./shortcuts";
import { useShortcuts } from "./useShortcuts";

const ANYWHERE: [keys: string[], meaning: string][] = [
  [["?"], "Show these shortcuts"],
  [["/"], "Go to the filter of the page"],
  [["Esc"], "Close what is open over the page"],
  [["←", "→"], "In a chart: read the one before or after"],
];

/** The keys that do something, told when `?` is pressed, and the switch for them. */
export function ShortcutHelp() {
  const [isOpen, setIsOpen] = useState(false);
  const [isOn, setIsOn] = useState(areOn);
  useShortcuts(() => setIsOpen(true));
  return (
    <>
      <button
        type="button"
        className={styles.opener}
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onClick={() => setIsOpen(true)}
      >
        <Keyboard size={16} aria-hidden="true" />
      </button>
      <Dialog title="Keyboard shortcuts" isOpen={isOpen} onClose={() => setIsOpen(false)}>
        <Keys of={ANYWHERE} />
        <h3>Go to a page</h3>
        <Keys of={PLACES.map(({ letter, name }) => [[GO, letter], name])} />
        <Switch
          name="shortcuts"
          label="Use single-key shortcuts"
          checked={isOn}
          onChange={({ target }) => {
            switchShortcuts(target.checked);
            setIsOn(target.checked);
          }}
        />
      </Dialog>
    </>
  );
}

function Keys({ of }: { of: [keys: string[], meaning: string][] }) {
  return (
    <dl className={styles.keys}>
      {of.map(([keys, meaning]) => (
        <div key={meaning} className={styles.row}>
          <dt>
            {keys.map((key) => (
              <kbd key={key} className={styles.key}>
                {key}
              </kbd>
            ))}
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}
