import { PLACES } from "./navigation";

/** What a key means where nobody writes. */
type Act = { kind: "help" } | { kind: "filter" } | { kind: "go"; to: string };

/** What was pressed so far, and what it means, if it means anything. */
export interface Pressed {
  prefix: string;
  act?: Act;
}

/** The key that a letter of a page follows. */
export const GO = "g";

/** Take in the next key; *prefix* is what the ones before it began. */
export function press(prefix: string, key: string): Pressed {
  if (prefix === GO) {
    const place = PLACES.find(({ letter }) => letter === key);
    return place ? { prefix: "", act: { kind: "go", to: place.to } } : { prefix: "" };
  }
  if (key === GO) return { prefix: GO };
  if (key === "?") return { prefix: "", act: { kind: "help" } };
  if (key === "/") return { prefix: "", act: { kind: "filter" } };
  return { prefix: "" };
}

const SWITCH = "ag2trust-shortcuts";

/** Whether single keys do anything here; whoever speaks to the browser may switch them
 *  off (WCAG 2.2, 2.1.4). */
export function areOn(): boolean {
  return localStorage.getItem(SWITCH) !== "off";
}

export function switchShortcuts(on: boolean): void {
  if (on) localStorage.removeItem(SWITCH);
  else localStorage.setItem(SWITCH, "off");
}
