import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { masterKeyQuery } from "~/api/queries/administration";
import { Notice } from "~/components/Notice";

/** What everybody must know on every page. Who may not ask for it is not told. */
export function Banners() {
  const masterKey = useQuery({ ...masterKeyQuery(), retry: false });
  if (!masterKey.data?.frozen_at) return null;
  return (
    <Notice tone="warning">
      <p>
        Every secret is closed: agents cannot start.{" "}
        <Link to="/settings/master-key">Open secrets again</Link>
      </p>
    </Notice>
  );
}
