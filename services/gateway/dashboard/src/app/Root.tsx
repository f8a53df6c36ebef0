import { useQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { meQuery } from "~/api/queries/session";
import { Loaded } from "~/components/Loaded";
import { SignIn } from "~/pages/sign-in/SignIn";
import { Welcome } from "~/pages/sign-in/Welcome";
import { AccountMenu } from "./AccountMenu";
import { Banners } from "./Banners";
import { Shell } from "./Shell";

/** What surrounds every page, once it is known who asks; else the way in. */
export function Root() {
  const me = useQuery(meQuery());
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <Loaded query={me} what="session">
      {(who) => {
        if (path === "/welcome") return <Welcome />;
        if (who === null) return <SignIn />;
        return <Shell account={<AccountMenu me={who} />} banner={<Banners />} />;
      }}
    </Loaded>
  );
}
