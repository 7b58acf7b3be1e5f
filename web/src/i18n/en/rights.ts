/** Why something is not possible, by the permission that is missing. */
export const en = {
  start: "You may not start runs in this project: that takes the role runner.",
  "stop-own": "You may not stop runs in this project: that takes the role runner.",
  stop: "You may not stop the runs of others: that takes the role developer.",
  retry: "You may not retry in this project: that takes the role runner.",
  skip: "You may not skip steps in this project: that takes the role developer.",
  edit: "You may not change pipelines and hooks in this project: that takes the role developer.",
  approve: "You may not approve in this project: that takes the role maintainer.",
  "roll-back": "You may not roll back in this project: that takes the role maintainer.",
  secrets:
    "You may not change secrets and channels in this project: that takes the role maintainer.",
  manage:
    "You may not change members, rules and plugins of this project: that takes the role owner.",
  delete: "You may not delete this project: that takes the role owner.",
  download: "You may not download from this project: that takes the role viewer.",
  "view-log": "You may not read logs in this project: that takes the role viewer.",
} as const;
