import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { areOn, press } from "./shortcuts";

const WRITING = "input, select, textarea, [contenteditable], [role='dialog'], [role='menu']";
// A page is narrowed by words first, where it can be.
const FILTERS = ["main input[type='search']", "main [data-filter]"];
const FORGOTTEN_MS = 1_500;

/** Do what single keys mean, but where somebody writes, chooses or is asked something. */
export function useShortcuts(onHelp: () => void): void {
  const navigate = useNavigate();
  const begun = useRef({ prefix: "", at: 0 });
  useEffect(() => {
    function hear(event: KeyboardEvent) {
      if (!isShortcut(event)) return;
      const { prefix, at } = begun.current;
      const pressed = press(event.timeStamp - at < FORGOTTEN_MS ? prefix : "", event.key);
      begun.current = { prefix: pressed.prefix, at: event.timeStamp };
      if (!pressed.act) return;
      event.preventDefault();
      if (pressed.act.kind === "help") onHelp();
      else if (pressed.act.kind === "filter") focusFilter();
      else void navigate({ to: pressed.act.to });
    }
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, [navigate, onHelp]);
}

function isShortcut(event: KeyboardEvent): boolean {
  const isPlain = !(event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented);
  const target = event.target instanceof Element ? event.target : null;
  return isPlain && event.key !== "Shift" && areOn() && !target?.closest(WRITING);
}

function focusFilter(): void {
  const found = FILTERS.map((each) => document.querySelector<HTMLElement>(each));
  found.find((each) => each !== null)?.focus();
}
