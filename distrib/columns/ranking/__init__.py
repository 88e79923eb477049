"""What ranks are decided by, as of many instants at once, over arrays: sales, refunds, links, ranks. Begin with
``figures``. What plans make of it does not enter.
"""
