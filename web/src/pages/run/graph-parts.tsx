import { clsx } from "clsx";
import { Link2 } from "lucide-react";
import { memo } from "react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { STATES } from "@/theme/status";
import { FILLS, Frame, Icon, Marks, Node, type Scene, STROKES } from "./graph-node";
import { type CardBox, SIZES, type StageBox, shortened } from "./layout";
import { isKept, ranAgain, type Step, stateOfNode } from "./model";
import { texts } from "./texts";

export function StageHead({ box, scene }: { box: StageBox; scene: Scene }) {
  const t = useText(texts);
  const c = useText(common);
  const { stage } = box;
  const state = stateOfNode(scene.run, stage);
  const { tone } = STATES[state];
  return (
    <>
      <rect
        x={box.x}
        y={box.y}
        width={box.width}
        height={box.height}
        rx={8}
        className={clsx("fill-bg", STROKES[tone])}
        strokeDasharray={stage.is_finally ? "5 4" : undefined}
      />
      <Node
        id={stage.id}
        label={t("node.stage", { name: stage.name, state: c(`state.${state}`) })}
        current={scene.current === stage.id}
        open={!box.folded}
        face={
          !scene.far && (
            <>
              <Icon state={state} x={box.x + 12} y={box.y + 12} />
              <text x={box.x + 34} y={box.y + 25} className="fill-text text-[13px] font-semibold">
                {shortened(stage.name || stage.id, box.width - (stage.is_finally ? 120 : 90))}
              </text>
              <text
                x={box.x + box.width - 12}
                y={box.y + 25}
                textAnchor="end"
                className="fill-muted text-[12px]"
              >
                {stage.is_finally ? `${t("node.finally")} · ` : ""}
                {stage.jobs.length} {box.folded ? "▸" : "▾"}
              </text>
            </>
          )
        }
      >
        <Frame x={box.x + 3} y={box.y + 3} width={box.width - 6} height={SIZES.stageHead - 6} />
      </Node>
    </>
  );
}

interface CardProps {
  card: CardBox;
  scene: Scene;
}

/** It is drawn again only when something of its own has changed. */
function isSame(before: CardProps, after: CardProps): boolean {
  const [a, b] = [before.card, after.card];
  const ids = (card: CardBox) => [card.job.id, ...card.job.steps.map((step) => step.id)];
  const touched = (scene: Scene) =>
    ids(b)
      .filter((id) => id === scene.selected)
      .join();
  const here = (scene: Scene) =>
    ids(b)
      .filter((id) => id === scene.current)
      .join();
  return (
    a.job === b.job &&
    a.x === b.x &&
    a.y === b.y &&
    a.open === b.open &&
    a.copies.length === b.copies.length &&
    a.copies.every((copy, index) => copy === b.copies[index]) &&
    before.scene.attempt === after.scene.attempt &&
    before.scene.far === after.scene.far &&
    before.scene.run.gates === after.scene.run.gates &&
    touched(before.scene) === touched(after.scene) &&
    here(before.scene) === here(after.scene)
  );
}

export const JobCard = memo(function JobCard({ card, scene }: CardProps) {
  const t = useText(texts);
  const c = useText(common);
  const { job } = card;
  const state = stateOfNode(scene.run, job);
  const { tone } = STATES[state];
  const kept = isKept(job, scene.attempt);
  const label = [
    t("node.job", { name: job.name, state: c(`state.${state}`) }),
    kept ? t("node.kept") : "",
    card.copies.length > 0 ? t("node.copies", { n: card.copies.length }) : "",
  ];
  const folds = card.copies.length > 0 || job.steps.length > 0;
  return (
    <g opacity={kept ? 0.72 : undefined}>
      <rect
        x={card.x}
        y={card.y}
        width={card.width}
        height={card.height}
        rx={6}
        className={clsx(
          scene.far ? FILLS[tone] : "fill-surface",
          STROKES[tone],
          tone === "bad" && "stroke-2",
        )}
      />
      <Node
        id={job.id}
        label={label.filter(Boolean).join(", ")}
        current={scene.current === job.id}
        open={folds ? card.open : undefined}
        face={
          !scene.far && (
            <>
              <Icon state={state} x={card.x + 9} y={card.y + 7} />
              <text x={card.x + 31} y={card.y + 20} className="fill-text text-[13px] font-medium">
                {shortened(job.name || job.id, card.width - 84)}
              </text>
              <Marks
                node={job}
                attempt={scene.attempt}
                x={card.x + card.width - 9}
                y={card.y + 20}
                more={card.copies.length > 0 ? `×${card.copies.length} ▸` : ""}
              />
            </>
          )
        }
      >
        <Frame x={card.x + 2} y={card.y + 2} width={card.width - 4} height={SIZES.head - 4} />
      </Node>
      {card.open &&
        job.steps.map((step, row) => (
          <StepRow key={step.id} step={step} card={card} row={row} scene={scene} />
        ))}
    </g>
  );
}, isSame);

function StepRow({
  step,
  card,
  row,
  scene,
}: {
  step: Step;
  card: CardBox;
  row: number;
  scene: Scene;
}) {
  const t = useText(texts);
  const c = useText(common);
  const y = card.y + SIZES.head + row * SIZES.step;
  const state = stateOfNode(scene.run, step);
  const kept = isKept(step, scene.attempt);
  const pressed = scene.selected === step.id;
  const marks = [
    t("node.step", { name: step.name, state: c(`state.${state}`) }),
    kept ? t("node.kept") : "",
    ranAgain(step, scene.attempt) ? t("node.again", { n: step.attempt }) : "",
  ];
  if (scene.far) {
    return (
      <Node
        id={step.id}
        label={marks.filter(Boolean).join(", ")}
        current={scene.current === step.id}
        pressed={pressed}
      >
        <rect x={card.x + 8} y={y + 4} width={card.width - 16} height={12} rx={3} opacity={0.5} />
      </Node>
    );
  }
  const dim = state === "unreached" || state === "skipped" || state === "queued";
  return (
    <>
      <Node
        id={step.id}
        label={marks.filter(Boolean).join(", ")}
        current={scene.current === step.id}
        pressed={pressed}
        face={
          <>
            <Icon state={state} x={card.x + 13} y={y + 4} />
            <text
              x={card.x + 35}
              y={y + 17}
              className={clsx("text-[13px]", dim ? "fill-muted" : "fill-text")}
            >
              {shortened(step.name || step.id, card.width - (step.called ? 124 : 102))}
            </text>
            <Marks node={step} attempt={scene.attempt} x={card.x + card.width - 12} y={y + 17} />
          </>
        }
      >
        <Frame
          x={card.x + 4}
          y={y}
          width={card.width - 8}
          height={SIZES.step - 2}
          pressed={pressed}
        />
      </Node>
      {step.called && (
        <a
          href={scene.hrefOfRun(step.called)}
          data-called={step.called}
          tabIndex={-1}
          aria-label={t("node.called", { name: step.name })}
        >
          <rect x={card.x + card.width - 84} y={y} width={24} height={24} fill="transparent" />
          <svg x={card.x + card.width - 80} y={y + 5} width={14} height={14} aria-hidden="true">
            <Link2 size={14} className="text-accent" />
          </svg>
        </a>
      )}
    </>
  );
}
