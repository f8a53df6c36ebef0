import { mutationOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type Person = Schemas["UserView"];

const PEOPLE = ["people"] as const;

export function peopleQuery() {
  return pagedQuery(PEOPLE, (query, signal) =>
    answered(api.GET("/api/users", { params: { query }, signal })),
  );
}

export const invitePerson = mutationOptions({
  mutationFn: (body: Schemas["UserSubmission"]) => answered(api.POST("/api/users", { body })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PEOPLE }),
});

export const inviteAgain = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/users/{id}/invite", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PEOPLE }),
});

export const updatePerson = mutationOptions({
  mutationFn: ({ id, patch }: { id: string; patch: Schemas["UserPatch"] }) =>
    answered(api.PATCH("/api/users/{id}", { params: { path: { id } }, body: patch })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PEOPLE }),
});

export const removePerson = mutationOptions({
  mutationFn: (id: string) => answered(api.DELETE("/api/users/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PEOPLE }),
});
