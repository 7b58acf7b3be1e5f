import { Dialog as Radix } from "radix-ui";
import { useText } from "@/i18n";
import { SignInPage, texts } from ".";

/** Another dialog may have had the focus, and does not give it away by itself. */
function focusPassword(event: Event): void {
  event.preventDefault();
  (event.currentTarget as Element).querySelector<HTMLElement>("[name=password]")?.focus();
}

/** Over the whole page, which stays as it is: what was typed is there when one comes back. */
export function SignInAgain({ user }: { user: string }) {
  const t = useText(texts);
  return (
    <Radix.Root open>
      <Radix.Portal>
        <Radix.Content
          aria-describedby={undefined}
          onOpenAutoFocus={focusPassword}
          className="fixed inset-0 z-[60] overflow-y-auto bg-bg outline-none"
        >
          <Radix.Title className="sr-only">{t("tab")}</Radix.Title>
          <SignInPage user={user} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
