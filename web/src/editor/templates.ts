/** What a new pipeline may begin with. A test checks that each can be stored. */
export const TEMPLATES = {
  empty: "",
  hello: `version: v3.0
name: hello
steps:
  - name: greet
    run: echo "Hello from $HOSTNAME"
`,
  release: `version: v3.0
name: release
stages:
  - name: build
    jobs:
      compile:
        steps:
          - name: compile
            run: make
          - name: unit tests
            run: make test
  - name: release
    check-in:
      reviews:
        flows:
          - name: release group
            reviewers: [admin]
    jobs:
      production:
        steps:
          - name: release
            run: make release
            can-manually-retry: true
`,
  matrix: `version: v3.0
name: tests
jobs:
  test:
    strategy:
      matrix:
        python: ["3.11", "3.12", "3.13"]
    steps:
      - name: test
        run: python\${{ matrix.python }} -m pytest
`,
} as const;

export type Template = keyof typeof TEMPLATES;
