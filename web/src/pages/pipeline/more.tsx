import { FileCode, Terminal, TestTubeDiagonal } from "lucide-react";
import { definition } from "@/editor/call";
import { area, useText } from "@/i18n";
import { en } from "@/i18n/en/pipeline";
import { zh } from "@/i18n/zh/pipeline";
import { CommandMenu, useCopying } from "@/parts/command-menu";
import { asCommand, asCurl } from "@/ui/copy";
import { toast } from "@/ui/toast";

const texts = area(en, zh);

/** The definition of a pipeline, to be taken along. */
export function More({ place }: { place: { project: string; pipeline: string } }) {
  const t = useText(texts);
  const copied = useCopying();
  const { project, pipeline } = place;
  const path = `/projects/${project}/pipelines/${pipeline}/definition?format=yaml`;
  const words = ["pipeline", "export", pipeline, "--project", project, "-o", "yaml"];
  const copyYaml = () =>
    definition(place, "yaml").then(copied, (error) => toast("bad", String(error.message)));
  return (
    <CommandMenu
      groups={[
        [
          { id: "copy:yaml", icon: FileCode, text: t("copy.yaml"), run: () => void copyYaml() },
          {
            id: "copy:command",
            icon: Terminal,
            text: t("copy.command"),
            run: () => void copied(asCommand(...words)),
          },
          {
            id: "copy:curl",
            icon: TestTubeDiagonal,
            text: t("copy.curl"),
            run: () => void copied(asCurl({ method: "GET", path })),
          },
        ],
      ]}
    />
  );
}
