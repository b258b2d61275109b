"""A recipe in the Trainer of Hugging Face's transformers."""

from bridle.integrations import needs

with needs("bridle.huggingface", "bridle[huggingface]"):
    import accelerate as _accelerate  # noqa: F401 - the Trainer asks for it only when it is made
    import transformers as _transformers  # noqa: F401 - asked for here, so that its absence is said in one place

from bridle.integrations.huggingface.callback import Regularize, decay_parameter_names, regularize

__all__ = ["Regularize", "decay_parameter_names", "regularize"]
