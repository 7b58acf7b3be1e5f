import { useEffect } from "react";
import { Redirect, Route, Router, Switch, useLocation } from "wouter";
import { BASE } from "@/api/client";
import { useLanguageOfUser, useSession } from "@/api/session";
import { useLocale } from "@/i18n";
import SignIn from "@/pages/sign-in";
import { SignInAgain } from "@/pages/sign-in/again";
import { beginPage, PAGES } from "@/shell/routes";
import { Shell } from "@/shell/shell";
import { useSettings } from "@/state/settings";
import { ErrorBoundary } from "@/ui/error-boundary";
import { Failure } from "@/ui/loaded";
import { NothingHere } from "@/ui/nothing-here";
import { Toasts } from "@/ui/toast";
import { TooltipProvider } from "@/ui/tooltip";

export function App() {
  document.documentElement.lang = useLocale();
  return (
    <TooltipProvider delayDuration={300}>
      <Router base={BASE.replace(/\/$/, "")}>
        <Gate />
      </Router>
      <Toasts />
    </TooltipProvider>
  );
}

/** Shows the pages to who is signed in, and how to sign in to the others. */
function Gate() {
  const session = useSession();
  const [location] = useLocation();
  useLanguageOfUser(session.data);
  useEffect(() => beginPage(location), [location]);
  if (session.error && !session.data) {
    return (
      <div className="mx-auto mt-[20vh] max-w-lg px-4">
        <Failure error={session.error} onRetry={() => void session.refetch()} />
      </div>
    );
  }
  if (!session.data) return null;
  if (!session.data.user) return <SignIn />;
  return (
    <>
      <Shell key={session.data.user}>
        <Pages />
      </Shell>
      {session.data.isOver && <SignInAgain user={session.data.user} />}
    </>
  );
}

function Pages() {
  const [location] = useLocation();
  const { project } = useSettings();
  const start = project ? `/projects/${encodeURIComponent(project)}` : "/projects";
  return (
    <ErrorBoundary at={location}>
      <Switch>
        <Route path="/">
          <Redirect to={start} replace />
        </Route>
        <Route path="/sign-in">
          <Redirect to={start} replace />
        </Route>
        {PAGES.map(({ path, page: Page }) => (
          <Route key={path} path={path}>
            {(params) => <Page params={params as Record<string, string>} />}
          </Route>
        ))}
        <Route>
          <NothingHere />
        </Route>
      </Switch>
    </ErrorBoundary>
  );
}
