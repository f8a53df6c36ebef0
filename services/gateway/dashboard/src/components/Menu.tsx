import { Menu as Base } from "@base-ui/react/menu";
import { Ellipsis } from "lucide-react";
import styles from "./Menu.module.css";

export interface MenuItem {
  name: string;
  onSelect: () => void;
  /** Why it cannot be done now; the item stays visible and says so. */
  reason?: string | undefined;
}

/** The rarer acts on one row or page. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  return (
    <Base.Root>
      <Base.Trigger className={styles.trigger} aria-label={label}>
        <Ellipsis size={16} aria-hidden="true" />
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={4} align="end" className={styles.positioner}>
          <Base.Popup className={styles.popup}>
            {items.map((item) => (
              <Base.Item
                key={item.name}
                className={styles.item}
                disabled={item.reason !== undefined}
                onClick={item.onSelect}
              >
                {item.name}
                {item.reason && <span className={styles.reason}>{item.reason}</span>}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
