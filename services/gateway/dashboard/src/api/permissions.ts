import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { meQuery, type Permission } from "./queries/session";

/** Whether whoever is signed in may do something; the gateway decides anew each time. */
export function useMay(permission: Permission): boolean {
  return useQuery(meQuery()).data?.permissions.includes(permission) ?? false;
}

/** What only those see who may do it. */
export function Allowed({ to, children }: { to: Permission; children: ReactNode }): ReactNode {
  return useMay(to) ? children : null;
}
