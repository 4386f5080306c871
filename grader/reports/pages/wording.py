"""The words of the pages, in the languages that students read; titles of checks and messages stay as they are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One language."""

    heading: str
    skip: str
    of: str
    """After the score; takes the maximum."""
    person: str
    passed: str
    partly: str
    failed: str
    skipped: str
    error: str
    checks: str
    verdict: str
    points: str
    check: str
    training: str
    dot: str
    network: str
    layers: str
    layer: str
    kind: str
    shape: str
    parameters: str
    notes: str
    code: str
    notebook: str
    """Above the cells of a notebook."""
    outputs: str
    """What of a notebook is left out."""
    cell: str
    """Takes its number."""
    line: str
    """Takes its number."""
    waits: str
    """Of a check whose points a person must give."""
    extra: str
    by_hand: str
    """Of points that a person gave."""
    standing: str
    """Above what is said of attempts and lateness."""
    footer: str
    epoch: str
    accuracy: str
    asked: str
    graded: str
    """A curve that counts; takes the seed."""
    other: str
    """A curve with another seed; takes the seed."""
    fit: str
    """Before a curve, where several fits count; takes its number."""
    figure: str
    curves_end: str
    """Takes how many curves there are, and the highest accuracy."""
    best: str
    """Takes accuracy, epoch and seed."""
    reached: str
    """Takes threshold, epoch, accuracy and seed."""
    short: str
    """Takes accuracy, epoch, seed, how much is missing, and the threshold."""
    too_early: str
    """Takes the epoch, its accuracy, the threshold, and the epoch that reaches it."""
    too_late: str
    """Takes how many epochs more."""
    no_score: str
    ours: str
    """In place of a message about a failure of grader."""


ENGLISH = Words(
    heading="Feedback",
    skip="Skip to the content",
    of="of {} points",
    person="A person will look at this before it is final.",
    passed="passed",
    partly="partly",
    failed="failed",
    skipped="skipped",
    error="not decided",
    checks="Checks",
    verdict="Verdict",
    points="Points",
    check="Check",
    training="Training",
    dot="A dot marks where your code stopped.",
    network="Your network",
    layers="Layers of the network",
    layer="Layer",
    kind="Kind",
    shape="Output shape",
    parameters="Parameters",
    notes="Notes",
    code="Your code",
    notebook="Your notebook",
    outputs="As it was handed in, without saved outputs and pictures.",
    cell="Cell {}",
    line="line {}",
    waits="waits for a person",
    extra="extra credit",
    by_hand="points by hand",
    standing="How your points come together",
    footer="Made by grader. Ask your instructor about anything that is unclear.",
    epoch="epoch",
    accuracy="accuracy",
    asked="asked for",
    graded="seed {}, graded",
    other="seed {}",
    fit="fit {}, ",
    figure="Training curves",
    curves_end="{} curves; the highest accuracy is {}.",
    best="The best accuracy was {0}, in epoch {1} with seed {2}.",
    reached="{0} was reached for the first time in epoch {1}, with {2} (seed {3}).",
    short="The best accuracy was {0}, in epoch {1} with seed {2}: {3} percentage points short of {4}.",
    too_early="The code stopped the training after epoch {0}, at {1}. Left to run, the network reaches {2} in epoch {3}.",
    too_late="The code let it run for {0} more epochs after that.",
    no_score="no score yet",
    ours="The grader failed here. It is not your fault, and costs you nothing.",
)
CHINESE = Words(
    heading="反馈",
    skip="跳到正文",
    of="/ {} 分",
    person="此结果需人工复核，尚非最终成绩。",
    passed="通过",
    partly="部分通过",
    failed="未通过",
    skipped="已跳过",
    error="未判定",
    checks="检查项",
    verdict="结果",
    points="得分",
    check="检查内容",
    training="训练",
    dot="圆点表示你的代码停止训练的位置。",
    network="你的网络",
    layers="网络各层",
    layer="层",
    kind="类型",
    shape="输出形状",
    parameters="参数量",
    notes="说明",
    code="你的代码",
    notebook="你的笔记本",
    outputs="内容为提交时的原样，不含已保存的输出和图片。",
    cell="单元格 {}",
    line="第 {} 行",
    waits="等待人工评分",
    extra="附加分",
    by_hand="人工给分",
    standing="得分构成",
    footer="由 grader 生成。如有疑问，请咨询任课教师。",
    epoch="轮次 (epoch)",
    accuracy="准确率",
    asked="要求",
    graded="种子 {}，计分",
    other="种子 {}",
    fit="第 {} 次 fit，",
    figure="训练曲线",
    curves_end="共 {} 条曲线；最高准确率为 {}。",
    best="最高准确率为 {0}，出现在第 {1} 轮（种子 {2}）。",
    reached="第 {1} 轮首次达到 {0}，准确率为 {2}（种子 {3}）。",
    short="最高准确率为 {0}，出现在第 {1} 轮（种子 {2}）：距离要求的 {4} 还差 {3} 个百分点。",
    too_early="代码在第 {0} 轮之后就停止了训练，当时准确率为 {1}。若继续训练，该网络会在第 {3} 轮达到 {2}。",
    too_late="此后代码又继续训练了 {0} 轮。",
    no_score="暂无成绩",
    ours="评分程序在此出错。这不是你的问题，不会扣分。",
)
LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
