import { useQuery } from "@tanstack/react-query";
import { meQuery, type Permission } from "./queries/session";

/** Whether whoever is signed in may do something; the gateway decides anew each time. */
export function useMay(permission: Permission): boolean {
  return useQuery(meQuery()).data?.permissions.includes(permission) ?? false;
}
