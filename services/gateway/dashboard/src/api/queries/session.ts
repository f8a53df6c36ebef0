import { mutationOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { keepCsrfToken } from "../csrf";
import { ME } from "../me";

export type Me = Schemas["Me"];
export type Permission = Schemas["Permission"];

const REAUTHORIZED_MS = 60_000;

/** Who is signed in; null if nobody is, which is no failure. */
export function meQuery() {
  return queryOptions({
    queryKey: ME,
    queryFn: async ({ signal }): Promise<Me | null> => {
      const { me } = await answered(api.GET("/api/sessions/current", { signal }));
      keepCsrfToken(me?.csrf_token ?? null);
      return me;
    },
    staleTime: REAUTHORIZED_MS,
  });
}

/** Whether people may also come in by an identity provider. */
export function oidcQuery() {
  return queryOptions({
    queryKey: ["oidc"],
    queryFn: ({ signal }) => answered(api.GET("/api/oidc", { signal })),
    staleTime: REAUTHORIZED_MS,
  });
}

export const signIn = mutationOptions({
  mutationFn: (body: Schemas["LoginSubmission"]) => answered(api.POST("/api/sessions", { body })),
  onSuccess: (started, _, __, { client }) => begin(client, started),
});

export const acceptInvitation = mutationOptions({
  mutationFn: (body: Schemas["InvitationAcceptance"]) =>
    answered(api.POST("/api/invitations/accept", { body })),
  onSuccess: (started, _, __, { client }) => begin(client, started),
});

export const signOut = mutationOptions({
  mutationFn: () => answered(api.DELETE("/api/sessions/current", {})),
  onSuccess: (_, __, ___, { client }) => {
    keepCsrfToken(null);
    client.setQueryData(ME, null);
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== ME[0] });
  },
});

/** What a one-time link is for; the link stays good. */
export function invitationQuery(token: string) {
  return queryOptions({
    queryKey: ["invitation"],
    queryFn: ({ signal }) =>
      answered(api.POST("/api/invitations/inspect", { body: { token }, signal })),
    enabled: token !== "",
    gcTime: 0,
  });
}

function begin(client: QueryClient, started: Schemas["StartedSession"]) {
  keepCsrfToken(started.csrf_token);
  return client.invalidateQueries({ queryKey: ME });
}
