import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { changeSettings, type Language, useSettings } from "@/state/settings";
import { api, ok, type Schemas } from "./client";
import { reconnect } from "./events";
import { keys } from "./keys";

export type Session = Schemas["SessionView"] & {
  /** It has ended while the page was open: who that was is kept, and asked to sign in again. */
  isOver?: boolean;
};

function forgetAll(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== keys.session[0] });
}

async function ask(client: QueryClient, signal: AbortSignal): Promise<Session> {
  const now = await ok(api.GET("/session", { signal }));
  const old = client.getQueryData<Session>(keys.session);
  if (!old?.user || old.user === now.user) return now;
  if (!now.user) return { ...old, isOver: true };
  forgetAll(client); // somebody else has signed in, in another tab
  return now;
}

export function useSession() {
  return useQuery({
    queryKey: keys.session,
    queryFn: ({ client, signal }) => ask(client, signal),
    staleTime: 60_000,
  });
}

/** Who is signed in; only below the part of the page that is shown to somebody. */
export function useMe(): Session & { user: string } {
  const { data } = useSession();
  if (!data?.user) throw new Error("nobody is signed in");
  return { ...data, user: data.user };
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["SessionBody"]) => ok(api.POST("/session", { body })),
    onSuccess: (session) => {
      const before = client.getQueryData<Session>(keys.session)?.user;
      if (before !== session.user) forgetAll(client); // somebody else may have sat here before
      client.setQueryData(keys.session, session);
      if (before !== session.user) return;
      void client.invalidateQueries(); // what could not be asked for meanwhile
      reconnect();
    },
    meta: { quiet: true }, // the form shows what is wrong
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ok(api.DELETE("/session")),
    onSettled: () => client.resetQueries(),
  });
}

/** Take over the language that is kept with the user. */
export function useLanguageOfUser(session: Session | undefined): void {
  const kept = session?.language;
  useEffect(() => {
    if (kept === "en" || kept === "zh") changeSettings({ language: kept });
  }, [kept]);
}

/** The language, and a function that changes it at once, here and with the user. */
export function useLanguage(): [Language, (language: Language) => void] {
  const { language } = useSettings();
  const client = useQueryClient();
  const { data: session } = useSession();
  const keep = useMutation({
    mutationFn: ({ user, language }: { user: string; language: Language }) =>
      ok(api.PATCH("/users/{user}", { params: { path: { user } }, body: { language } })),
    onSuccess: (user) =>
      client.setQueryData<Session>(
        keys.session,
        (old) => old && { ...old, language: user.language },
      ),
    meta: { quiet: true }, // it holds in this browser all the same
  });
  return [
    language,
    (wanted) => {
      changeSettings({ language: wanted });
      if (session?.user) keep.mutate({ user: session.user, language: wanted });
    },
  ];
}
