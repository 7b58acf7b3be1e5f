import { TriangleAlert } from "lucide-react";
import { Component, type ReactNode } from "react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { isReloading } from "@/state/fresh";
import { Button } from "./button";
import { Empty } from "./empty";

interface Props {
  /** Another value is another page: the error is over then. */
  at: string;
  children: ReactNode;
}

/** Shows an error in place of a page that failed; the rest goes on. */
export class ErrorBoundary extends Component<Props, { error: Error | null; at: string }> {
  override state = { error: null as Error | null, at: this.props.at };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: { at: string }) {
    return props.at === state.at ? null : { at: props.at, error: null };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return isReloading() ? null : <Broken error={this.state.error} />;
  }
}

function Broken({ error }: { error: Error }) {
  const t = useText(common);
  return (
    <Empty
      icon={TriangleAlert}
      title={t("error.title")}
      action={<Button onClick={() => location.reload()}>{t("reload")}</Button>}
    >
      <p>{t("error.hint")}</p>
      <p className="mt-2 font-mono text-[13px] break-words">{error.message}</p>
    </Empty>
  );
}
