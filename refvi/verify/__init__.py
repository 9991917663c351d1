"""The checker: it knows the words of refvi.base, and no chapter. From Python, refvi.verify(path) asks it."""

import sys
from types import ModuleType


class Verify(ModuleType):
    """This package can be called: refvi.verify("my_lecture.md")."""

    def __call__(self, path, **options):
        from refvi.verify.notebook import verified

        return verified(path, **options)

    def stage(self, path, label, entropy):
        """The symbols of one of a page's stages, as the report with this entropy had them."""
        from refvi.verify.notebook import stage

        return stage(path, label, entropy)


sys.modules[__name__].__class__ = Verify
