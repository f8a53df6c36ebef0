import { useMutation } from "@tanstack/react-query";
import { type Me, signOut } from "~/api/queries/session";
import { Menu } from "~/components/Menu";
import styles from "./AccountMenu.module.css";

/** Who one is, and the way out. */
export function AccountMenu({ me }: { me: Me }) {
  const { mutate } = useMutation(signOut);
  const name = me.user ? (me.user.name ?? me.user.email) : "API key";
  return (
    <div className={styles.account}>
      <span className={styles.name}>
        {name} <span className={styles.role}>{me.role}</span>
      </span>
      {me.user && <Menu label="Account" items={[{ name: "Sign out", onSelect: () => mutate() }]} />}
    </div>
  );
}
