import { clsx } from "clsx";
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { IconButton } from "./button";
import { useFocusBack } from "./focus-back";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What it is about, in a sentence. */
  description?: ReactNode;
  /** Buttons, the one that does it last. */
  actions?: ReactNode;
  /** Over the page in its middle, or along its right side. */
  place?: "middle" | "side";
  wide?: boolean;
  children?: ReactNode;
}

const PLACES = {
  middle:
    "inset-x-0 bottom-0 mx-auto max-h-[92dvh] rounded-t-xl sm:bottom-auto sm:top-[8vh] sm:max-h-[84dvh] sm:rounded-xl",
  side: "inset-y-0 right-0 h-dvh",
};

/** Begin in what the dialog is about, not on the button that closes it. */
function focusBody(event: Event) {
  const content = event.currentTarget as HTMLElement;
  const first = content.querySelector<HTMLElement>(
    "[data-body] :is(input, select, textarea, button):not(:disabled)",
  );
  event.preventDefault();
  (first ?? content).focus();
}

/** A dialog. Radix's own overlay is left out: it writes a style sheet, which the policy forbids. */
export function Dialog({ open, onOpenChange, title, description, actions, ...look }: Props) {
  const t = useText(common);
  const { place = "middle", wide = false, children } = look;
  const closed = useFocusBack(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <div className="fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          onOpenAutoFocus={focusBody}
          onCloseAutoFocus={closed}
          className={clsx(
            "fixed z-40 flex w-full flex-col bg-surface shadow-float",
            wide ? "max-w-3xl" : "max-w-lg",
            PLACES[place],
          )}
          {...(description ? {} : { "aria-describedby": undefined })}
        >
          <header className="flex items-start gap-3 px-5 pt-4 pb-2">
            <div className="min-w-0 grow">
              <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
              {description && (
                <Radix.Description className="mt-1 text-muted">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton label={t("close")} icon={X} size="small" />
            </Radix.Close>
          </header>
          <div data-body className="min-h-0 grow overflow-y-auto px-5 py-3">
            {children}
          </div>
          {actions && (
            <footer className="flex flex-wrap items-center justify-end gap-2 border-t border-line px-5 py-3">
              {actions}
            </footer>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
