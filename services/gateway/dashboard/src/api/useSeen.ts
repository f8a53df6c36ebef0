import { type QueryClient, useMutation } from "@tanstack/react-query";
import { useState } from "react";

/** What a form was made of, which stays though others change it, and the way to what is there
 *  now: so no change is overwritten that whoever fills the form in has not seen. */
export function useSeen<Thing>(thing: Thing, ask: (client: QueryClient) => Promise<Thing>) {
  const [seen, setSeen] = useState(thing);
  const reload = useMutation({
    mutationFn: (_: undefined, { client }) => ask(client),
    onSuccess: setSeen,
  });
  return { seen, reload };
}
