import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { followEvents, useIsLive } from "~/api/events";
import { useMay } from "~/api/permissions";
import { masterKeyQuery } from "~/api/queries/administration";
import { Notice } from "~/components/Notice";
import { clock } from "~/format/time";

/** What everybody must know on every page. */
export function Banners() {
  return (
    <>
      <Frozen />
      <Live />
    </>
  );
}

/** Who may not ask for the master key is not told. */
function Frozen() {
  const isAllowed = useMay("master-key:read");
  const masterKey = useQuery({ ...masterKeyQuery(), retry: false, enabled: isAllowed });
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

/** Keeps pages up to date, and says when it cannot. */
function Live() {
  const isAllowed = useMay("events:read");
  const client = useQueryClient();
  useEffect(() => (isAllowed ? followEvents(client) : undefined), [isAllowed, client]);
  const isLive = useIsLive();
  return isLive ? null : <Lost />;
}

function Lost() {
  const [since] = useState(Date.now);
  return (
    <Notice tone="warning">
      <p>Live updates are lost since {clock(since)}; reconnecting.</p>
    </Notice>
  );
}
