interface Choice {
  id: string;
  name: string;
}

/** The choices, and what is chosen now: a form that is sent as it came changes nothing, also
 *  where that is gone or not loaded. */
export function withChosen(choices: Choice[], chosen: string, absent: string): Choice[] {
  const isThere = chosen === "" || choices.some(({ id }) => id === chosen);
  return isThere ? choices : [{ id: chosen, name: absent }, ...choices];
}
