"""One strength, all conventions: the table (``table.py``), read and written in both directions.

**The canonical objective** is ``mean over examples of the data loss + l1 * sum |w| + l2 * 1/2 sum w^2``. The data loss
is Bridle's own: the cross-entropy for classes, for a number the squared error *without a half* (as torch's ``MSELoss``
and Keras' ``mse`` have it). Only beside that loss does a strength have a meaning.

**The data loss decides the factor.** Multiplying an objective by a constant moves no minimum, so each row is brought
to Bridle's data loss by dividing its own penalty by what its loss is worth in Bridle's (``DataLoss.worth``):

- a *mean* is worth 1: Keras, torch;
- *half the mean squared error* is worth 1/2, so the same number presses twice as hard: ``sklearn.Lasso(alpha)``,
  glmnet and Ng's ``lambda / 2m`` are ``2 alpha``, ``2 lambda``, ``2 lambda / m`` here. For cross-entropy there is no
  half, therefore ``MLPRegressor`` and ``MLPClassifier`` are two rows of one ``alpha``;
- a *sum* over n examples is worth n: ``sklearn.Ridge(alpha)``, which has no half in its penalty either, is ``2 alpha /
  n`` here.

A script in torch minimises the loss that it computes. The rows of torch, timm, fastai and transformers read it as a
mean without a half; where a script halves its squared error (or sums), its strength is twice (or 1/n of) what they say.

**The scale of the target.** Dividing the target by s divides the weights by s: ``l2`` stays, ``l1`` must be divided by
s too. ``bridle.fit`` standardises targets and inputs; a library that was given raw numbers is compared with ``l1 /
s``. glmnet standardises inside, which is why its quadratic part needs ``target_std``.

**Two classes.** scikit-learn, glmnet and a network with one logit have one weight per input; a softmax over two classes
has two, and the same function costs half the squared norm. There ``l2`` takes twice the strength, ``l1`` the same.

**Which weights.** Intercepts and biases are free in scikit-learn (its solver liblinear excepted) and glmnet, as in
Bridle's default scope; ``weight_decay`` touches whatever its parameter group holds, by default everything:
``scope="all"``.

**Decoupled decay** is no penalty under an adaptive optimizer and has a currency of its own, ``decay``: AdamW's number.
It converts among AdamW's relatives and never to ``l2``: there it equals ``decay * (sqrt(v_hat) + eps)``, which differs
from weight to weight and moves with the gradients. Under SGD with momentum mu it is the penalty ``(1 - mu) * decay``
exactly: a constant gradient is amplified by ``1 / (1 - mu)``, the decay is not.
"""

from bridle.core.conventions.convention import QUANTITIES, Convention, DataLoss
from bridle.core.conventions.convert import Conversion, convert
from bridle.core.conventions.convertible import Convertible
from bridle.core.conventions.table import CONVENTIONS

__all__ = ["CONVENTIONS", "QUANTITIES", "Convention", "Conversion", "Convertible", "DataLoss", "convert"]
