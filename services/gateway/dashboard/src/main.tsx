import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { reloadWhenOutdated } from "./app/outdated";
import { queryClient } from "./app/queryClient";
import { router } from "./app/router";
import { applyTheme } from "./app/theme";
import "./styles/base.css";
import "./styles/tokens.css";

applyTheme();
reloadWhenOutdated();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </CSPProvider>
    </StrictMode>,
  );
}
