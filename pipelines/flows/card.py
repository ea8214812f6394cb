"""The model card: how a model did, for whom, and where it is weak; in Markdown."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from models.evaluation import Evaluation, Figures, Flags, Share, figures
from models.labels import Observation
from models.semantic.tier import Blend

VOICES = {
    "British and Irish": "british english estuary northern scots scottish welsh irish yorkshire geordie scouse cockney",
    "North American": "us american canadian",
    "South Asian": "indian pakistani bangladeshi lankan",
    "African": "african nigerian kenyan ghanaian ugandan zimbabwean",
    "East and South-East Asian": "filipino singapore singaporean malaysian chinese hong",
    "Australian and New Zealand": "australian zealand kiwi",
    "Caribbean": "caribbean jamaican trinidadian",
}
LEAST_OF_A_GROUP = 40


@dataclass(frozen=True, slots=True)
class Slice:
    """How the turns of one group of the private test split were decided."""

    name: str
    turns: int
    found: Figures
    awarded: Figures


def slices(observations: Sequence[Observation], truth: Flags, *, found: Flags, awarded: Flags) -> tuple[Slice, ...]:
    """Return the figures by voice, by style and by sector; groups of fewer than forty turns are told together."""
    calls = np.unique([one.call_id for one in observations], return_inverse=True)[1]
    made = []
    for group_of in (voice_of, _style_of, _sector_of):
        groups = np.array(_gathered([group_of(one) for one in observations]))
        for name, count in Counter(groups.tolist()).most_common():
            of = groups == name
            told = (figures(truth[of], flags[of], calls[of]) for flags in (found, awarded))
            made.append(Slice(name, count, *told))
    return tuple(made)


def voice_of(observation: Observation) -> str:
    """Return the family of Englishes a turn is written in."""
    words = set(observation.voice.lower().replace("-", " ").split())
    return next((name for name, known in VOICES.items() if words & set(known.split())), "voice: other or not told")


def _style_of(observation: Observation) -> str:
    return "style: a recogniser's" if "asr" in observation.voice.lower() else "style: written or transcribed by people"


def _sector_of(observation: Observation) -> str:
    """Return the sector of a turn, however it was written: "GP surgery" is "gp surgery"."""
    return f"sector: {observation.sector.casefold()}"


def _gathered(groups: Sequence[str]) -> list[str]:
    counts = Counter(groups)
    return [name if counts[name] >= LEAST_OF_A_GROUP else f"{name.partition(':')[0]}: others" for name in groups]


def model_card(
    out_of_fold: Evaluation,
    test: Evaluation,
    test_slices: Sequence[Slice],
    thresholds: Mapping[str, tuple[float, float]],
    about: Mapping[str, object],
    *,
    today: date,
) -> str:
    """Return the model card."""
    by_behaviour = "\n".join(_behaviour_rows(out_of_fold, test, thresholds))
    by_group = "\n".join(
        f"| {one.name} | {one.turns} | {_told(one.found.precision)} | {_told(one.found.recall)} | {one.found.f1:.2f} "
        f"| {_told(one.awarded.precision)} |"
        for one in test_slices
    )
    return f"""# Model card: the shipped classifier

Written by `detector train` on {today.isoformat()}. Do not edit.

- **What it is.** One-vs-rest linear support vectors over words and their letters, word pairs, the playbook's rule hits
  and the turns before, with Platt's calibration, bent where it says a half. It reads one agent turn and the turn before.
- **What it learned from.** {about["learned_from_turns"]} labelled agent turns written by hand for this project (no
  customer's words, no public corpus, no templates): acts beside their near-misses, and whole calls; about two fifths in
  a recogniser's style, in many sectors and Englishes. Examples' digest `{str(about["examples_sha256"])[:16]}`,
  playbook {about["playbook_version"]}.
- **What it is for.** Proposing and scoring the playbook's behaviours in English service calls and chats, with a person
  to review what is uncertain. Not for judging agents' feelings, voices or worth; not for other languages.
- **How to read the figures.** The examples are harder than calls are: near-misses were written to mislead.
  *Out of fold*: each turn scored by a model, and decided by thresholds, that had not seen its call. *Test*: a tenth of
  the calls never learned from. Intervals are Wilson's, 95%. Both are optimistic in one way: the playbook's rules were
  mended with all these examples in view, the test split's too.
- **Calibration error** {out_of_fold.calibration_error:.3f} out of fold, {test.calibration_error:.3f} on the test split.
- **Macro F1** {out_of_fold.macro_f1:.3f} out of fold, {test.macro_f1:.3f} on the test split.
- **Explanations** hold: tests/models/test_explanations.py deletes the words an award shows; nine awards in ten must fall.
- **Fairness.** tests/models/test_fairness.py swaps names, genders, spellings and companies in several hundred calls; at
  most 1% of awards may flip. A name that is an everyday word too (Mark, Grace) is heard less surely than others.
- **Weak spots.** {_weak(out_of_fold, test_slices)} Irony in polite words, behaviours told over several turns, and idiom
  that neither rules nor examples know are missed. A threshold of 1.01 means that no score was sure enough: nothing is
  awarded, all is reviewed.

| behaviour | positives | award from | award precision | award recall | review from | precision | recall | F1 | test positives | test F1 |
|---|---|---|---|---|---|---|---|---|---|---|
{by_behaviour}

The private test split by voice, style and sector, all behaviours together:

| group | turns | precision | recall | F1 | award precision |
|---|---|---|---|---|---|
{by_group}
"""


def _behaviour_rows(
    out_of_fold: Evaluation, test: Evaluation, thresholds: Mapping[str, tuple[float, float]]
) -> Iterator[str]:
    for row, tested in zip(out_of_fold.behaviours, test.behaviours, strict=True):
        award, review = thresholds[row.behaviour]
        yield (
            f"| {row.behaviour} | {row.found.positives} | {award:.2f} | {_told(row.awarded.precision)} "
            f"| {_told(row.awarded.recall)} | {review:.2f} | {_told(row.found.precision)} | {_told(row.found.recall)} "
            f"| {row.found.f1:.2f} | {tested.found.positives} | {tested.found.f1:.2f} |"
        )


def _weak(out_of_fold: Evaluation, test_slices: Sequence[Slice]) -> str:
    """Return the behaviours found worst, those seldom awarded, and the groups of the test split read worst."""
    rows = out_of_fold.behaviours
    lowest = ", ".join(row.behaviour for row in sorted(rows, key=lambda row: row.found.f1)[:4])
    seldom = ", ".join(row.behaviour for row in rows if row.awarded.recall.value < 1 / 3) or "none"
    worst = ", ".join(one.name for one in sorted(test_slices, key=lambda one: one.found.f1)[:3])
    return f"Lowest F1: {lowest}. Awarded less than one time in three: {seldom}. Worst read: {worst}."


def _told(share: Share) -> str:
    return "–" if np.isnan(share.value) else f"{share.value:.2f} ({share.low:.2f}–{share.high:.2f})"


def tier_card(alone: Evaluation, both: Evaluation, blend: Blend, about: Mapping[str, Any], *, today: date) -> str:
    """Return the card of the semantic tier: how the private test split is decided without it, and with it."""
    rows = "\n".join(
        f"| {one.behaviour} | {one.awarded.positives} | {_told(one.awarded.precision)} | {_told(two.awarded.precision)} "
        f"| {_told(one.awarded.recall)} | {_told(two.awarded.recall)} | {one.found.f1:.2f} | {two.found.f1:.2f} |"
        for one, two in zip(alone.behaviours, both.behaviours, strict=True)
    )
    summary = "\n".join(
        f"| {name} | {_told(told.micro_awarded.precision)} | {_told(told.micro_awarded.recall)} "
        f"| {_told(told.micro.precision)} | {_told(told.micro.recall)} | {told.micro.f1:.3f} | {told.macro_f1:.3f} "
        f"| {told.calibration_error:.3f} |"
        for name, told in (("the classifier alone", alone), ("with the tier", both))
    )
    encoder = about["encoder"]
    tunings = encoder.get("fine_tunings", 1)
    mean = f"the mean of {tunings} fine-tunings (`--average`), the last of them on" if tunings > 1 else "fine-tuned on"
    further = f" and then went on learning from {encoder['further_turns']:,}" if "further_turns" in encoder else ""
    return f"""# Model card: the sentence encoder

Written by `detector train-semantic` on {today}. Do not edit.

- **What it is.** bge-small-en-v1.5 (Xiao et al. 2023; MIT, LICENSE-bge.txt), twelve layers, fine-tuned to the sixteen
  behaviours and to scorn; it multiplies in eight bits. It reads an agent's turn, a long one in windows, and the end of the two turns
  before, names and numbers masked. It runs by ONNX Runtime, on one thread, without a network.
- **What it learned from.** It is {mean} {encoder["turns"]:,} agent turns of this project's
  own writing{further} (digest `{encoder["examples_sha256"][:16]}`), and before that, as bge-small-en-v1.5, pairs of texts from the web and from
  public data sets, whose faults it may share.
- **When it is asked.** Where the classifier's probability of any behaviour is between {blend.low} and {blend.high}: then the
  logit of each behaviour above {blend.least} is {blend.own:.2f} of the classifier's and {blend.read:.2f} of the encoder's, weighed on
  {about["weighed_on_turns"]:,} turns neither had learned from. Its last output is of scorn, an act's words said to mock: all
  probabilities are multiplied by that of there being none. What an *unless* of the playbook speaks against it never
  raises. Each shift is told among a decision's reasons.
- **What it costs.** Some milliseconds each time it is asked: benchmarks/speed.md tells how many; `DETECTOR_SEMANTIC=off`
  goes without. Processors without eight-bit dot products (VNNI) take longer.
- **Weak spots.** It gives a shift, not the words it goes by: the evidence shown is the rules' and the classifier's. What
  the project's examples do not hold, both miss.

The private test split ({both.turns:,} agent turns neither learned from nor weighed on), decided by the playbook's
thresholds; 95% intervals:

| | award precision | award recall | precision, with review | recall, with review | F1 | macro F1 | calibration error |
|---|---|---|---|---|---|---|---|
{summary}

By behaviour, each alone → with the tier:

| behaviour | positives | award precision | → | award recall | → | F1 | → |
|---|---|---|---|---|---|---|---|
{rows}
"""
