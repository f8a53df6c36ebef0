import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { Menu as MenuIcon, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { classes } from "~/components/classes";
import { PLACES } from "./navigation";
import styles from "./Shell.module.css";
import { ShortcutHelp } from "./ShortcutHelp";
import { chooseTheme, chosenTheme, type Theme } from "./theme";

/** The frame around every page: where one can go, and who one is. */
export function Shell({ account, banner }: { account: ReactNode; banner?: ReactNode }) {
  const [isOpen, setIsOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: arriving anywhere closes the drawer
  useEffect(() => setIsOpen(false), [path]);
  return (
    <div className={styles.shell}>
      <a href="#main" className={styles.skip}>
        Skip to the page
      </a>
      <header className={styles.topbar}>
        <button
          type="button"
          className={styles.opener}
          aria-expanded={isOpen}
          aria-controls="places"
          aria-label={isOpen ? "Close the menu" : "Open the menu"}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen ? <X size={18} aria-hidden="true" /> : <MenuIcon size={18} aria-hidden="true" />}
        </button>
        <Link to="/" className={styles.brand}>
          <img src="/icon.svg" alt="" width="20" height="20" />
          Ag2Trust
        </Link>
        <div className={styles.account}>
          <ShortcutHelp />
          <ThemeChoice />
          {account}
        </div>
      </header>
      <nav id="places" aria-label="Pages" className={classes(styles.places, isOpen && styles.open)}>
        <div className={styles.placeList}>
          {PLACES.map(({ to, name, icon: Icon }) => (
            <Link
              key={to}
              to={to}
              className={styles.place}
              activeOptions={{ exact: to === "/", includeSearch: false }}
              activeProps={{ "aria-current": "page" }}
            >
              <Icon size={16} aria-hidden="true" />
              <span className={styles.placeName}>{name}</span>
            </Link>
          ))}
        </div>
      </nav>
      <main id="main" className={styles.main}>
        {banner}
        <Outlet />
      </main>
    </div>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  return (
    <select
      aria-label="Theme"
      className={styles.theme}
      value={theme}
      onChange={(event) => {
        const chosen = event.target.value as Theme;
        chooseTheme(chosen);
        setTheme(chosen);
      }}
    >
      <option value="system">System theme</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </select>
  );
}
