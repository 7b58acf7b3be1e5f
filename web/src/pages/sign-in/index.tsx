import { type FormEvent, useState } from "react";
import { ProblemError } from "@/api/client";
import { useSignIn } from "@/api/session";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/sign-in";
import { zh } from "@/i18n/zh/sign-in";
import { LanguageButton, Logo, ThemeButton } from "@/shell/top-bar";
import { Button } from "@/ui/button";
import { Field, TextInput } from "@/ui/field";
import { usePageTitle } from "@/ui/head";
import { useProblemText } from "@/ui/loaded";

export const texts = area(en, zh);

export default function SignIn() {
  usePageTitle(useText(texts)("tab"));
  return <SignInPage />;
}

/** `user`: whose session has ended. */
export function SignInPage({ user }: { user?: string }) {
  const t = useText(texts);
  const [withToken, setWithToken] = useState(false);
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex items-center justify-end gap-1 p-3">
        <LanguageButton />
        <ThemeButton />
      </header>
      <main className="mx-auto w-full max-w-sm px-4 pt-[10vh] pb-16">
        <div className="mb-6 flex flex-col items-center gap-3 text-center">
          <Logo size={44} />
          <h1 className="text-xl font-semibold break-all">{t("title", { host: location.host })}</h1>
        </div>
        <div className="rounded-xl border border-line bg-surface p-6">
          {user && <p className="mb-4">{t("over")}</p>}
          <Form key={String(withToken)} withToken={withToken} user={user} />
          <Button
            variant="ghost"
            className="mt-2 w-full text-muted!"
            onClick={() => setWithToken(!withToken)}
          >
            {t(withToken ? "use-password" : "use-token")}
          </Button>
        </div>
        {withToken && (
          <p className="mt-4 text-[13px] text-muted">{t("first", { file: "admin-token" })}</p>
        )}
      </main>
    </div>
  );
}

function Form({ withToken, user }: { withToken: boolean; user?: string }) {
  const t = useText(texts);
  const signIn = useSignIn();
  const say = useProblemText();

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const text = (name: string) => String(given.get(name) ?? "");
    signIn.mutate(
      withToken
        ? { token: text("token").trim() }
        : { user: text("user").trim(), password: text("password") },
    );
  }

  function problem(): string {
    const { error } = signIn;
    if (!(error instanceof ProblemError)) return say(error);
    if (error.status === 429) return t("crowded");
    return error.status === 401 ? t(withToken ? "wrong-token" : "wrong") : say(error);
  }

  return (
    <form onSubmit={submit}>
      {withToken ? (
        <Field label={t("token")}>
          {(ids) => <TextInput {...ids} name="token" type="password" required autoFocus />}
        </Field>
      ) : (
        <>
          <Field label={t("user")}>
            {(ids) => (
              <TextInput
                {...ids}
                name="user"
                autoComplete="username"
                defaultValue={user}
                required
                autoFocus={!user}
              />
            )}
          </Field>
          <Field label={t("password")}>
            {(ids) => (
              <TextInput
                {...ids}
                name="password"
                type="password"
                autoComplete="current-password"
                required
              />
            )}
          </Field>
        </>
      )}
      {signIn.error && (
        <p role="alert" className="mb-3 rounded-md bg-bad-soft px-3 py-2 text-bad">
          {problem()}
        </p>
      )}
      <Button type="submit" variant="primary" className="w-full" busy={signIn.isPending}>
        {t("submit")}
      </Button>
    </form>
  );
}
